<?php
/**
 * The filters around a call: may it be made, with which query, and what does the answer say.
 *
 * @package Learnomy
 */

declare(strict_types=1);

namespace Learnomy;

defined( 'ABSPATH' ) || exit;

/**
 * Applies the filters of one route.
 */
final class Filters {

	/**
	 * The filter of one kind that somebody listens to, else ''.
	 *
	 * @param array  $row  Row of the route table.
	 * @param string $kind pre, query or payload.
	 * @return string
	 */
	public static function heard( array $row, string $kind ): string {
		$name = (string) ( $row['filters'][ $kind ] ?? '' );
		if ( 'pre' === $kind && 'GET' !== $row['method'] ) {
			$name = 'learnomy_pre_' . $row['name'];
		}
		return '' !== $name && has_filter( $name ) ? $name : '';
	}

	/**
	 * Asks whether the call may be made.
	 *
	 * @param array            $row     Row.
	 * @param \WP_REST_Request $request Request.
	 * @return \WP_Error|null
	 */
	public static function refusal( array $row, \WP_REST_Request $request ): ?\WP_Error {
		$name = self::heard( $row, 'pre' );
		if ( '' === $name ) {
			return null;
		}
		/**
		 * Filters whether a write is refused: `learnomy_pre_{verb}_{resource}`, as `learnomy_pre_create_course`.
		 *
		 * @param \WP_Error|null   $refusal A WP_Error refuses, with its code, message and status.
		 * @param array            $params  Parameters of the request.
		 * @param \WP_REST_Request $request Request.
		 */
		$refusal = apply_filters( $name, null, $request->get_params(), $request ); // phpcs:ignore WordPress.NamingConventions.PrefixAllGlobals -- Named in the route table.
		if ( ! is_wp_error( $refusal ) ) {
			return null;
		}
		$data = $refusal->get_error_data();
		return is_array( $data ) && isset( $data['status'] ) ? $refusal : new \WP_Error( $refusal->get_error_code(), $refusal->get_error_message(), array( 'status' => 403 ) );
	}

	/**
	 * The query parameters as listeners want them; null where nobody listens.
	 *
	 * @param array            $row     Row.
	 * @param \WP_REST_Request $request Request.
	 * @return array|null
	 */
	public static function query( array $row, \WP_REST_Request $request ): ?array {
		$name = self::heard( $row, 'query' );
		if ( '' === $name ) {
			return null;
		}
		$query = $request->get_query_params();
		/**
		 * Filters the query of a request: `learnomy_{resource}_query`.
		 *
		 * @param array            $query   Query parameters.
		 * @param \WP_REST_Request $request Request.
		 */
		$changed = apply_filters( $name, $query, $request ); // phpcs:ignore WordPress.NamingConventions.PrefixAllGlobals -- Named in the route table.
		return is_array( $changed ) ? $changed : $query;
	}

	/**
	 * The answer as listeners want it.
	 *
	 * @param array            $row      Row.
	 * @param Rest_Response    $response The backend's whole answer.
	 * @param \WP_REST_Request $request  Request.
	 * @return Rest_Response
	 */
	public static function payload( array $row, Rest_Response $response, \WP_REST_Request $request ): Rest_Response {
		$name     = self::heard( $row, 'payload' );
		$document = $response->get_data();
		if ( '' === $name || $response->is_error() || ! is_array( $document ) || ! isset( $document['data'] ) || ! is_array( $document['data'] ) ) {
			return $response;
		}
		if ( ! empty( $row['list'] ) ) {
			foreach ( $document['data'] as $index => $item ) {
				$document['data'][ $index ] = is_array( $item ) ? self::one( $name, $item, $request ) : $item;
			}
		} else {
			$document['data'] = self::one( $name, $document['data'], $request );
		}
		$wanted = $request->get_param( '_fields' );
		if ( $wanted ) {
			$document['data'] = self::select( $document['data'], $wanted, ! empty( $row['list'] ) );
		}
		return self::tagged( Rest_Response::of_data( $document, $response->get_status(), $response->get_headers() ), $request );
	}

	/**
	 * One object through the listeners.
	 *
	 * @param string           $name    Filter.
	 * @param array            $item    Object as arrays.
	 * @param \WP_REST_Request $request Request.
	 * @return array
	 */
	private static function one( string $name, array $item, \WP_REST_Request $request ): array {
		/**
		 * Filters an object of an answer: `learnomy_rest_{resource}_payload`.
		 *
		 * @param array                 $payload  What the answer says of it.
		 * @param object                $resource The same as an object, before any listener.
		 * @param \WP_REST_Request|null $request  Request.
		 */
		$changed = apply_filters( $name, $item, (object) $item, $request ); // phpcs:ignore WordPress.NamingConventions.PrefixAllGlobals -- Named in the route table.
		return is_array( $changed ) ? $changed : $item;
	}

	/**
	 * Gives a filtered answer a tag of its own, and answers a caller who has it already.
	 *
	 * @param Rest_Response    $response Response.
	 * @param \WP_REST_Request $request  Request.
	 * @return Rest_Response
	 */
	private static function tagged( Rest_Response $response, \WP_REST_Request $request ): Rest_Response {
		$headers = $response->get_headers();
		if ( empty( $headers['ETag'] ) ) {
			return $response;
		}
		$version         = (string) strtok( trim( (string) preg_replace( '#^W/#', '', (string) $headers['ETag'] ), '"' ), '.' );
		$headers['ETag'] = '"' . $version . '.' . substr( hash( 'sha256', (string) $response->bytes() ), 0, 16 ) . '"';
		$asked           = (string) $request->get_header( 'If-None-Match' );
		$known           = array_map(
			static function ( string $tag ): string {
				return (string) preg_replace( '#^W/#', '', trim( $tag ) );
			},
			explode( ',', $asked )
		);
		if ( 'GET' !== $request->get_method() && 'HEAD' !== $request->get_method() ) {
			$known = array();
		}
		if ( in_array( $headers['ETag'], $known, true ) || array( '*' ) === $known ) {
			unset( $headers['Content-Type'] );
			return Rest_Response::of_bytes( '', 304, $headers );
		}
		$response->set_headers( $headers );
		return $response;
	}

	/**
	 * WordPress's own field selection, on the inside of `data`.
	 *
	 * @param array        $data    Data.
	 * @param string|array $wanted  Field names, dotted for nested ones.
	 * @param bool         $is_list Whether the data is rows.
	 * @return array
	 */
	private static function select( array $data, $wanted, bool $is_list ): array {
		$tree = array();
		foreach ( wp_parse_list( $wanted ) as $name ) {
			$node = &$tree;
			foreach ( array_slice( explode( '.', trim( (string) $name ) ), 0, 8 ) as $part ) {
				if ( '' !== $part ) {
					$node[ $part ] = $node[ $part ] ?? array();
					$node          = &$node[ $part ];
				}
			}
			unset( $node );
		}
		return $is_list ? array_map(
			static function ( $item ) use ( $tree ) {
				return self::pick( $item, $tree );
			},
			$data
		) : self::pick( $data, $tree );
	}

	/**
	 * Keeps what is wanted.
	 *
	 * @param mixed $data Data.
	 * @param array $tree Wanted names.
	 * @return mixed
	 */
	private static function pick( $data, array $tree ) {
		if ( ! $tree || ! is_array( $data ) ) {
			return $data;
		}
		$kept = array();
		if ( wp_is_numeric_array( $data ) ) {
			foreach ( $data as $item ) {
				$kept[] = self::pick( $item, $tree );
			}
			return $kept;
		}
		foreach ( $tree as $name => $below ) {
			if ( array_key_exists( $name, $data ) ) {
				$kept[ $name ] = self::pick( $data[ $name ], $below );
			}
		}
		return $kept;
	}
}
