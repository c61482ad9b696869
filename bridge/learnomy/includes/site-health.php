<?php
/**
 * Learnomy in Site Health: one test of the whole chain, and a section of facts.
 *
 * @package Learnomy
 */

declare(strict_types=1);

namespace Learnomy;

defined( 'ABSPATH' ) || exit;

/**
 * Registers both.
 */
final class Site_Health {

	const TEST = 'learnomy';

	/**
	 * Registers the callbacks.
	 */
	public static function init(): void {
		add_filter( 'site_status_tests', array( self::class, 'add_test' ) );
		add_action( 'wp_ajax_health-check-' . self::TEST, array( self::class, 'answer_ajax' ) );
		add_filter( 'debug_information', array( self::class, 'add_information' ) );
	}

	/**
	 * Adds the test. It is asynchronous, since it asks the backend and the site itself.
	 *
	 * @param array $tests Tests.
	 * @return array
	 */
	public static function add_test( $tests ): array {
		$tests                        = (array) $tests;
		$tests['async'][ self::TEST ] = array(
			'label'             => __( 'Learnomy', 'learnomy' ),
			'test'              => self::TEST,
			'async_direct_test' => array( self::class, 'run' ),
		);
		return $tests;
	}

	/**
	 * Answers Site Health's request for the test.
	 */
	public static function answer_ajax(): void {
		check_ajax_referer( 'health-check-site-status' );
		if ( ! current_user_can( 'view_site_health_checks' ) ) {
			wp_send_json_error( null, 403 );
		}
		wp_send_json_success( self::run() );
	}

	/**
	 * Runs the test.
	 *
	 * @return array As Site Health wants it.
	 */
	public static function run(): array {
		$findings = Site_Chain::run();
		$status   = Site_Chain::worst( $findings );
		$labels   = array(
			'good'        => __( 'Learnomy and its backend work together', 'learnomy' ),
			'recommended' => __( 'Learnomy works, and could work better', 'learnomy' ),
			'critical'    => __( 'Learnomy cannot work', 'learnomy' ),
		);
		return array(
			'label'       => $labels[ $status ],
			'status'      => $status,
			'badge'       => array(
				'label' => __( 'Learnomy', 'learnomy' ),
				'color' => 'critical' === $status ? 'red' : 'blue',
			),
			'description' => self::list_of( $findings ),
			'actions'     => sprintf( '<p><a href="%s">%s</a></p>', esc_url( admin_url( 'admin.php?page=learnomy-settings' ) ), esc_html__( 'Learnomy Settings', 'learnomy' ) ),
			'test'        => self::TEST,
		);
	}

	/**
	 * Findings as a list, the worst first.
	 *
	 * @param array[] $findings Findings.
	 * @return string HTML.
	 */
	public static function list_of( array $findings ): string {
		$marks = array(
			'critical'    => '&#10007; ',
			'recommended' => '&#9888; ',
			'good'        => '&#10003; ',
		);
		$html  = '';
		foreach ( array_keys( $marks ) as $status ) {
			foreach ( $findings as $finding ) {
				if ( $finding['status'] === $status ) {
					$html .= '<li class="learnomy-' . esc_attr( $status ) . '">' . $marks[ $status ] . esc_html( $finding['text'] ) . '</li>';
				}
			}
		}
		return '<ul>' . $html . '</ul>';
	}

	/**
	 * Adds our section to the site's information.
	 *
	 * @param array $information Sections.
	 * @return array
	 */
	public static function add_information( $information ): array {
		$information             = (array) $information;
		$record                  = get_option( Record::OPTION );
		$record                  = is_array( $record ) ? $record : array();
		$facts                   = array(
			'version'   => array( __( 'Version', 'learnomy' ), LEARNOMY_BACKEND_VERSION . ' (' . LEARNOMY_VERSION . ')' ),
			'address'   => array( __( 'Backend', 'learnomy' ), Bridge_Options::address() ),
			'paired'    => array( __( 'Paired', 'learnomy' ), Bridge_Options::is_paired() ? gmdate( 'c', Bridge_Options::get( 'paired_at' ) ) : __( 'No', 'learnomy' ) ),
			'loopback'  => array( __( 'Address for calls of the backend', 'learnomy' ), Bridge_Options::get( 'loopback' ) ),
			'compat'    => array( __( 'Compatibility mode', 'learnomy' ), Bridge_Options::get( 'compat' ) ? __( 'On', 'learnomy' ) : __( 'Off', 'learnomy' ) ),
			'stub'      => array( __( 'Stub of the early door', 'learnomy' ), Activation_Stub::is_installed() ? __( 'Installed', 'learnomy' ) : Bridge_Options::get( 'stub_problem' ) ),
			'record'    => array( __( 'Record of listeners', 'learnomy' ), isset( $record['time'] ) ? gmdate( 'c', (int) $record['time'] ) : __( 'None', 'learnomy' ) ),
			'listeners' => array( __( 'Hooks of Learnomy\'s that are listened to', 'learnomy' ), self::pairs( (array) ( $record['listeners'] ?? array() ) ) ),
			'gates'     => array( __( 'Who may judge REST requests', 'learnomy' ), self::pairs( (array) ( $record['gates'] ?? array() ) ) ),
			'firewalls' => array( __( 'Firewalls', 'learnomy' ), implode( ', ', (array) ( $record['firewalls'] ?? array() ) ) ),
			'harmless'  => array( __( 'Marked harmless', 'learnomy' ), implode( ', ', Bridge_Options::get( 'harmless' ) ) ),
		);
		$information['learnomy'] = array(
			'label'  => __( 'Learnomy', 'learnomy' ),
			'fields' => array(),
		);
		foreach ( $facts as $name => $fact ) {
			$information['learnomy']['fields'][ $name ] = array(
				'label' => $fact[0],
				'value' => '' === $fact[1] ? '-' : $fact[1],
			);
		}
		return $information;
	}

	/**
	 * Owners by hook, in one text.
	 *
	 * @param array $hooks Owners by hook.
	 * @return string
	 */
	private static function pairs( array $hooks ): string {
		$pairs = array();
		foreach ( $hooks as $hook => $owners ) {
			$pairs[] = $hook . ': ' . implode( ', ', (array) $owners );
		}
		return implode( '; ', $pairs );
	}
}
