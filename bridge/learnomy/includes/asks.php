<?php
/**
 * What the backend asks of WordPress while it plans: filters, and a fixed list of calls.
 *
 * @package Learnomy
 */

declare(strict_types=1);

namespace Learnomy;

defined( 'ABSPATH' ) || exit;

/**
 * Answers questions.
 */
final class Asks {

	/**
	 * The answers by the questions' ids; a WP_Error where a listener refuses or fails.
	 *
	 * @param array $asks Questions: id, kind, name, value, args.
	 * @return array|\WP_Error
	 */
	public static function answer( array $asks ) {
		$answers = array();
		foreach ( $asks as $ask ) {
			if ( ! is_array( $ask ) || ! isset( $ask['id'], $ask['kind'], $ask['name'] ) ) {
				return self::failed( 'A question of the backend cannot be read.' );
			}
			$args = isset( $ask['args'] ) && is_array( $ask['args'] ) ? $ask['args'] : array();
			try {
				$answer = 'call' === $ask['kind']
					? self::call( (string) $ask['name'], $args )
					: self::filter( (string) $ask['name'], $ask['value'] ?? null, $args );
			} catch ( \Throwable $error ) {
				// A rule that could not be asked is not a rule that allows.
				error_log( 'Learnomy: ' . $ask['name'] . ': ' . $error ); // phpcs:ignore WordPress.PHP.DevelopmentFunctions -- For the owner.
				$answer = self::failed( Envelope::MESSAGES['internal_error'] );
			}
			if ( is_wp_error( $answer ) ) {
				return $answer;
			}
			$answers[ (string) $ask['id'] ] = $answer;
		}
		return $answers;
	}

	/**
	 * Answers the backend's signed call `ask`.
	 *
	 * @param array $payload Questions.
	 * @return array|\WP_Error
	 */
	public static function serve( array $payload ) {
		$answers = self::answer( isset( $payload['asks'] ) && is_array( $payload['asks'] ) ? $payload['asks'] : array() );
		return is_wp_error( $answers ) ? $answers : array( 'answers' => (object) $answers );
	}

	/**
	 * Applies a filter of ours.
	 *
	 * @param string $name  Filter.
	 * @param mixed  $value Value.
	 * @param array  $args  Arguments.
	 * @return mixed
	 */
	private static function filter( string $name, $value, array $args ) {
		if ( 0 !== strncmp( $name, 'learnomy_', 9 ) ) {
			return self::failed( 'This is not a filter of Learnomy: ' . $name );
		}
		$answer = apply_filters( $name, $value, ...array_values( $args ) ); // phpcs:ignore WordPress.NamingConventions.PrefixAllGlobals -- Checked above.
		if ( is_wp_error( $answer ) ) {
			$data = $answer->get_error_data();
			return is_array( $data ) && isset( $data['status'] ) ? $answer : new \WP_Error( $answer->get_error_code(), $answer->get_error_message(), array( 'status' => 403 ) );
		}
		return $answer;
	}

	/**
	 * Makes one of the calls that the backend may ask for.
	 *
	 * @param string $name Call.
	 * @param array  $args Arguments.
	 * @return mixed
	 */
	private static function call( string $name, array $args ) {
		switch ( $name ) {
			case 'render_content':
				$content = (string) ( $args['content'] ?? '' );
				return ( new Content_Renderer( (int) ( $args['author_id'] ?? 0 ) ) )->render( $content );
			case 'render_slots':
				return array_map( array( Content_Renderer::class, 'render_slot' ), isset( $args['slots'] ) && is_array( $args['slots'] ) ? array_values( $args['slots'] ) : array() );
			case 'capabilities':
				$user_id = (int) ( $args['user_id'] ?? 0 );
				$names   = isset( $args['names'] ) && is_array( $args['names'] ) ? array_filter( $args['names'], 'is_string' ) : array();
				return array_values(
					array_filter(
						$names,
						static function ( string $name ) use ( $user_id ): bool {
							return user_can( $user_id, $name );
						}
					)
				);
			case 'image_url':
				return self::image_url( (int) ( $args['id'] ?? 0 ), (int) ( $args['user_id'] ?? 0 ) );
			case 'media_file':
				return self::media_file( (int) ( $args['id'] ?? 0 ), (int) ( $args['user_id'] ?? 0 ) );
			case 'avatars':
				return array( 'avatars' => self::avatars( isset( $args['people'] ) && is_array( $args['people'] ) ? $args['people'] : array(), (int) ( $args['size'] ?? 96 ) ) );
			case 'check_password':
				$user = get_userdata( (int) ( $args['user_id'] ?? 0 ) );
				return $user && isset( $args['password'] ) && wp_check_password( (string) $args['password'], $user->user_pass, $user->ID );
		}
		return self::failed( 'WordPress knows no such call: ' . $name );
	}

	/**
	 * Addresses of avatars; '' for who has none.
	 *
	 * @param array $people E-mail addresses by keys of the backend's.
	 * @param int   $size   Pixels.
	 * @return array<string, string>
	 */
	private static function avatars( array $people, int $size ): array {
		$found = array();
		foreach ( $people as $key => $email ) {
			// Plugins know their members by id rather than by address.
			$user                   = get_user_by( 'email', (string) $email );
			$found[ (string) $key ] = (string) get_avatar_url( $user ? $user->ID : (string) $email, array( 'size' => $size ) );
		}
		return $found;
	}

	/**
	 * The address of an image that a user may see; null for what is none, or not for that user.
	 *
	 * @param int $image_id Attachment.
	 * @param int $user_id  User.
	 * @return array|null
	 */
	private static function image_url( int $image_id, int $user_id ): ?array {
		$image = get_post( $image_id );
		if ( 0 >= $image_id || ! $image || ! wp_attachment_is_image( $image ) || ! self::is_seen( $image, $user_id ) ) {
			return null;
		}
		$url = wp_get_attachment_url( $image_id );
		return is_string( $url ) && '' !== $url ? array( 'url' => $url ) : null;
	}

	/**
	 * Where the file of an attachment is that a user may see; null for what is none, or not for that user.
	 *
	 * @param int $media_id Attachment.
	 * @param int $user_id  User.
	 * @return array|null
	 */
	private static function media_file( int $media_id, int $user_id ): ?array {
		$media = get_post( $media_id );
		if ( 0 >= $media_id || ! $media || 'attachment' !== $media->post_type || ! self::is_seen( $media, $user_id ) ) {
			return null;
		}
		$path   = get_attached_file( $media_id );
		$folder = wp_upload_dir( null, false );
		if ( ! is_string( $path ) || '' === $path ) {
			return null;
		}
		return array(
			'path'  => $path,
			'base'  => (string) $folder['basedir'],
			'name'  => wp_basename( $path ),
			'title' => $media->post_title,
		);
	}

	/**
	 * Whether a user may see an attachment: an own upload, one the user may edit, one of a page that anybody may
	 * read, or one of no page at all for those whom the media library shows it.
	 *
	 * @param \WP_Post $attachment Attachment.
	 * @param int      $user_id    User.
	 * @return bool
	 */
	private static function is_seen( \WP_Post $attachment, int $user_id ): bool {
		if ( (int) $attachment->post_author === $user_id || user_can( $user_id, 'edit_post', $attachment->ID ) ) {
			return true;
		}
		$parent = $attachment->post_parent ? get_post( $attachment->post_parent ) : null;
		if ( $parent ) {
			return is_post_publicly_viewable( $attachment ) && is_post_publicly_viewable( $parent ) && '' === $parent->post_password;
		}
		return is_post_publicly_viewable( $attachment ) && user_can( $user_id, 'upload_files' );
	}

	/**
	 * An answer that could not be had.
	 *
	 * @param string $message Message.
	 * @return \WP_Error
	 */
	private static function failed( string $message ): \WP_Error {
		return new \WP_Error( 'internal_error', $message, array( 'status' => 500 ) );
	}
}
